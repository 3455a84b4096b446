// One first call in a process of its own: node bench/speed/cold.mjs CODEC FILE. Prints JSON.
//
// Counts importing, compiling and decoding; memory is what the process grew by at its largest.
import { existsSync, readFileSync } from 'node:fs';
import { fromRoot } from '../../scripts/setup.mjs';
import { timed } from '../lib/measure.mjs';

/** Most memory that this process has had so far, in KiB. `maxRSS` is the parent's on Linux, which passes it on to its children. */
function largestMemory() {
  if (!existsSync('/proc/self/status')) return process.resourceUsage().maxRSS;
  return Number(readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\s*(\d+)/)[1]);
}

const [codec, file] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(file));
const before = largestMemory();

const { value, cpu, wall } = await timed(async () => {
  if (codec === 'tessera') {
    const { decode } = await import(fromRoot('build/index.js'));
    return decode(bytes);
  }
  const { loadPeer } = await import('../lib/peers.mjs');
  const peer = await loadPeer(codec, { decoder: true });
  return peer.decode(bytes);
});

const peakMiB = (largestMemory() - before) / 1024;
console.log(JSON.stringify({ codec, width: value.width, height: value.height, cpu, wall, peakMiB }));
