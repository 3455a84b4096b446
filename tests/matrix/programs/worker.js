// A worker file of the user's own, for bundlers that do not follow `new Worker(new URL(…))`.
import { serve } from 'tessera-codec/serve';

serve();
