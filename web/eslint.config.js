/** What the front end's code is held to beyond its types, and who may import whom. */
import { readdirSync } from "node:fs";

import svelte from "eslint-plugin-svelte";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

import svelteConfig from "./svelte.config.js";

/** From the ground up. A folder imports from layers below its own, and none of its neighbours in the same layer. */
const LAYERS = [["shared"], ["markets"], ["odds", "wallet"], ["bets", "casino", "compliance", "pam", "risk"], ["trading"], ["wire"], ["betslip", "desk"]];

const homeless = readdirSync(new URL("src/", import.meta.url)).filter((folder) => !LAYERS.flat().includes(folder));
if (homeless.length > 0) throw new Error(`Every folder of src/ stands in one of the layers, these do not: ${homeless}`);

/** The names of the contract that others than `wire` know: its enumerations, whose numbers travel. */
const ENUMERATIONS = "(Status|Reason|Kind|Policy|Role|Period|Window)$";

function boundary(folder, level) {
  const above = LAYERS.slice(level).flat().filter((other) => other !== folder);
  const isArea = level > 0 && above.includes("wire");
  const forbidden = above.map((other) => (other === "wire" && isArea ? "wire/(?!gen/)" : `${other}/`));
  // The ground knows nothing of the contract, and the wire all of it.
  const isAllOrNone = level === 0 || folder === "wire";
  const patterns = [
    { regex: `^\\.\\./(${forbidden.join("|")})`, message: `${folder}/ does not stand above it: have it handed in, or move it down.` },
    {
      regex: "^\\.\\./wire/gen/",
      allowImportNamePattern: ENUMERATIONS,
      message: "Only enumerations are known outside of wire/, which makes our own types of the messages.",
    },
  ];
  return {
    files: [`src/${folder}/**`],
    rules: { "no-restricted-imports": ["error", { patterns: isAllOrNone ? patterns.slice(0, 1) : patterns }] },
  };
}

export default defineConfig(
  { ignores: ["dist/", "public/", "src/wire/gen/", "src/markets/gen/"] },
  ts.configs.strictTypeChecked,
  ts.configs.stylisticTypeChecked,
  svelte.configs.recommended,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["*.js", "tests/*.js"] },
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: [".svelte"],
      },
    },
    rules: {
      // `() => page.close()` reads as what it does.
      "@typescript-eslint/no-confusing-void-expression": "off",
      // Numbers in sentences.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Over the wire comes what is newer than the page's types.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      // An empty text is no answer either, and `as` is seen where `!` is not.
      "@typescript-eslint/prefer-nullish-coalescing": "off",
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_$", argsIgnorePattern: "^_" }],
      // Maps and sets that are drawn from are replaced, not changed; the others are no concern of a screen.
      "svelte/prefer-svelte-reactivity": "off",
    },
  },
  { files: ["**/*.svelte", "**/*.svelte.ts"], languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } } },
  {
    // The types of other components are not seen from here; svelte-check sees them.
    files: ["**/*.svelte"],
    rules: Object.fromEntries(
      ["argument", "assignment", "call", "member-access", "return"].map((use) => [`@typescript-eslint/no-unsafe-${use}`, "off"]),
    ),
  },
  {
    // Fakes answer at once where the real ones wait, and matchers have no type.
    files: ["tests/**", "*.js"],
    extends: [ts.configs.disableTypeChecked],
    rules: { "@typescript-eslint/no-extraneous-class": "off" },
  },
  LAYERS.flatMap((folders, level) => folders.map((folder) => boundary(folder, level))),
);
