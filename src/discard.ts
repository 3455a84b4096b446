/**
 * Gives the memory of arrays back at once. Large arrays that nobody refers to can stay for long, since the garbage collector does not feel
 * their size; buffers that are sent to a closed port are gone. Hosts without channels, or whose ports take no buffers (workerd), leave them
 * to the collector.
 */
export function discard(arrays: readonly Float32Array[]): void {
  try {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(
      undefined,
      arrays.map(({ buffer }) => buffer as ArrayBuffer),
    );
    port1.close();
    port2.close();
  } catch {
    // Nothing is lost but time.
  }
}
