// A page: the package by its name, through an import map or a bundler; nothing configured but what the page says in `ortOptions`.
import * as codec from 'tessera-codec';
import { createWorkerCodec } from 'tessera-codec/worker';
import { given } from './given.js';
import { runPage } from './run-page.js';

runPage(codec, createWorkerCodec, given);
