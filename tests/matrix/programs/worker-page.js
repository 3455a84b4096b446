// A page that only starts a module worker, which does everything.
const worker = new Worker('module-worker.js', { type: 'module' });
const ask = (step) =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => ('outcome' in data ? resolve(data.outcome) : reject(new Error(data.error)));
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(step);
  });
globalThis.decoded = ask('decode');
globalThis.encoded = () => ask('encode');
