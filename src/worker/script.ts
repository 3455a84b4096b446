/** The file that `createWorkerCodec` starts in a worker. */

import { serve } from './serve.js';

serve();
