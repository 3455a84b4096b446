/** The core, and the module that refines latents, as hosts of `./edge` give them to `import`. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
