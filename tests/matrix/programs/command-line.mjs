// Node, Deno and Bun: the package by its name, nothing configured.
import * as codec from 'tessera-codec';
import { check } from './check.js';
import { given } from './given.js';

console.log(JSON.stringify(await check(codec, given)));
