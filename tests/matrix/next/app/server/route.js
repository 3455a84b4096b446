// On the server, in Node, from Next's bundle.
import * as codec from 'tessera-codec';
import { check } from '../../check.js';
import { given } from '../../given.js';

export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json(await check(codec, given));
}
