// The types of `import "authkit-verifier/fastify"`; what it runs is made of src/fastify.ts by scripts/build.mjs.

export * from "./fastify.js";
