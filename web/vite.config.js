import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const COMPRESSIBLE = /\.(js|css|html|svg)$/;

/** Writes .br and .gz beside every text file, so that the server compresses nothing while people wait. */
function precompress() {
  let outDir = "dist";
  return {
    name: "overround:precompress",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !COMPRESSIBLE.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(content));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [svelte(), precompress()],
  build: {
    target: "es2023",
    cssTarget: "chrome123",
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { betslip: "index.html", desk: "desk.html" } },
  },
  ...(process.env.VITEST ? { resolve: { conditions: ["browser"] } } : {}),
  test: {
    include: ["tests/**/*.test.ts"],
    environment: "./tests/client_environment.js",
    // The one style sheet that a test reads.
    css: { include: /tokens\.css/ },
  },
});
