// A page whose encoder runs its analysis on WebGPU. Rounding differs a little from machine to machine, so the file is not compared.
import * as codec from 'tessera-codec';
import { checkEncode } from './check.js';
import { given } from './given.js';

let shaders = 0;
const { createShaderModule } = GPUDevice.prototype;
GPUDevice.prototype.createShaderModule = function (...call) {
  shaders++;
  return createShaderModule.apply(this, call);
};
globalThis.encodeOn = async (options) => {
  codec.configureOnnxruntime(options);
  const { closeToSource } = await checkEncode(codec, given);
  return { shaders, closeToSource };
};
