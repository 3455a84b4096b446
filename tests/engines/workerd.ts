/** For workerd: answers a job with the hashes. Every Worker has an isolate of its own. */

import core from './codec.wasm';
import { hashVectors, type Job } from './hashes.js';

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      return Response.json(await hashVectors(core, (await request.json()) as Job));
    } catch (error) {
      return Response.json({ error: String(error) }, { status: 500 });
    }
  },
};
