/** Node without a page, but modules as a browser gets them: Svelte's server build has no effects. */
export default {
  name: "client",
  viteEnvironment: "client",
  setup: () => ({ teardown: () => undefined }),
};
