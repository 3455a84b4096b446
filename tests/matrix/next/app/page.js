'use client';

// Rendered on the server too, where importing the package must do nothing.
import { useEffect } from 'react';
import * as codec from 'tessera-codec';
import { createWorkerCodec } from 'tessera-codec/worker';
import { given } from '../given.js';
import { runPage } from '../run-page.js';

export default function Page() {
  useEffect(() => {
    runPage(codec, createWorkerCodec, given);
  }, []);
  return <p>{codec.label}</p>;
}
