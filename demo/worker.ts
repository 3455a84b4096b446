/** The worker of the page: the codec answers its calls. */

import { serve } from '../src/worker/serve.js';

serve();
