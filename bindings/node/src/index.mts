// The types of `import "authkit-verifier"`; what it runs is made of src/index.ts by scripts/build.mjs.

export * from "./index.js";
