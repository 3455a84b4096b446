'use client';

// Rendered on the server too, where importing the package must do nothing.
import { useEffect } from 'react';
import * as codec from 'tessera-codec';
import { check, checkDecode } from '../check.js';
import { given } from '../given.js';

export default function Page() {
  useEffect(() => {
    globalThis.decoded = checkDecode(codec, given);
    globalThis.encoded = () => check(codec, given);
  }, []);
  return <p>{codec.label}</p>;
}
