// asynchat's codecs, and what they stand beside: hand-written loops over lengths, and the libraries for them.
import { decoder } from '../../../dist/index.js'
import { MessageScanner } from '../../../dist/framing/index.js'
import { byData, keep } from '../feed.mjs'
import { scan } from './ours.mjs'

/** The pure core, without a stream. */
export function messageScanner(name, codec) {
  const run = (input, tally) => scan(keep(new MessageScanner(codec)), input, tally)
  return { name, side: 'ours', frames: 'bytes', run }
}

/** `decoder()` by 'data'. */
export function messageDecoder(name, codec) {
  return { name, side: 'ours', frames: 'bytes', run: (input, tally, budget) => byData(decoder(codec), input, tally, budget) }
}

/** Lengths of 4 bytes, big-endian: reads them and cuts, with what a chunk lacks put before the next one. */
export function loopOverLengths(name) {
  return { name, side: 'hand', frames: 'bytes', run: runLengths }
}

function runLengths(input, tally) {
  let rest = null
  for (let i = 0; i < input.length; i += 1) {
    const chunk = rest === null ? input.at(i) : Buffer.concat([rest, input.at(i)])
    let at = 0
    while (chunk.length - at >= 4) {
      const end = at + 4 + chunk.readUInt32BE(at)
      if (end > chunk.length) break
      tally.take(chunk.subarray(at + 4, end))
      at = end
    }
    rest = at === chunk.length ? null : chunk.subarray(at)
  }
}

/** Varint lengths of at most two bytes, as all are here. */
export function loopOverVarints(name) {
  return { name, side: 'hand', frames: 'bytes', run: runVarints }
}

function runVarints(input, tally) {
  let rest = null
  for (let i = 0; i < input.length; i += 1) {
    const chunk = rest === null ? input.at(i) : Buffer.concat([rest, input.at(i)])
    let at = 0
    while (at < chunk.length) {
      const isShort = chunk[at] < 0x80
      if (!isShort && at + 1 === chunk.length) break
      const start = at + (isShort ? 1 : 2)
      const end = start + (isShort ? chunk[at] : (chunk[at] & 0x7f) | (chunk[at + 1] << 7))
      if (end > chunk.length) break
      tally.take(chunk.subarray(start, end))
      at = end
    }
    rest = at === chunk.length ? null : chunk.subarray(at)
  }
}
