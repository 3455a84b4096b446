import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // One worker: the tests are heavy, the machines small, and the core and models are loaded once per worker.
    pool: 'threads',
    maxWorkers: 1,
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // `npm run coverage`: what parses and limits untrusted bytes. The coder inside the WASM core has its own measure, tests/coverage.
    coverage: {
      include: [
        ...['src/container.ts', 'src/limits.ts', 'src/salvage.ts', 'src/entropy.ts', 'src/models/pack.ts', 'src/errors.ts'],
        ...['src/adaptation/apply.ts', 'src/adaptation/section.ts', 'src/alpha/section.ts'],
      ],
      reporter: ['text'],
      reportsDirectory: 'build/coverage',
      thresholds: { perFile: true, lines: 95 },
    },
  },
});
