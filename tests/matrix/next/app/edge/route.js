// On Next's edge runtime, which compiles no code from bytes: the condition `edge-light`.
import * as codec from 'tessera-codec';
import { checkDecode } from '../../check.js';
import { given } from '../../given.js';

export const runtime = 'edge';

export async function GET() {
  return Response.json(await checkDecode(codec, given));
}
