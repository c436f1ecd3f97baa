// Acts with an exported agent in Node; in a browser, import "onnxruntime-web" in the same way.
//   sb3-presa export agent.zip policy.onnx && npm install onnxruntime-web && node act.mjs policy.onnx
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";

const session = await ort.InferenceSession.create(await readFile(process.argv[2]));
const { type, shape } = session.inputMetadata[0];
const dims = shape.slice(1); // of one observation
const size = dims.reduce((product, length) => product * length, 1);
const observations = JSON.parse(process.argv[3] ?? JSON.stringify([Array(size).fill(0)]));

const input = new ort.Tensor(type, observations.flat(Infinity), [observations.length, ...dims]);
const { action } = await session.run({ observation: input });
const width = action.data.length / action.dims[0]; // a Discrete action has no second axis
for (let row = 0; row < action.dims[0]; row++) {
  console.log(Array.from(action.data.slice(row * width, (row + 1) * width)).join(" "));
}
