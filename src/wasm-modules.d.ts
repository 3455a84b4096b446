/** The core as hosts of `./edge` give it to `import`. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
