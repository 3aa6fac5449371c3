// The libraries people use for this. `side` says what they split: 'bytes' gives Buffers, 'text'
// decodes and gives strings. All but node:readline come from this folder's own node_modules.
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import { createInterface } from 'node:readline'
import { byData, feed, feedOnceAwaited, keep } from '../feed.mjs'

const { default: split2 } = await import('split2')
const { default: binarySplit } = await import('binary-split')
const { default: byline } = await import('byline')
const { DelimiterParser } = await import('@serialport/parser-delimiter')

/** Its readable-stream is of a version that cannot load where READABLE_STREAM says "disable". */
function requireOwnStreams(name) {
  const { READABLE_STREAM } = process.env
  delete process.env.READABLE_STREAM
  try {
    return createRequire(import.meta.url)(name)
  } finally {
    if (READABLE_STREAM !== undefined) process.env.READABLE_STREAM = READABLE_STREAM
  }
}

function streamPeer(name, side, consume, create) {
  const frames = side === 'bytes' ? 'bytes' : 'text'
  return { name, side, frames, run: (input, tally, budget) => consume(create(), input, tally, budget) }
}

/** Consumes by `for await`: the stock iterator of Node's streams, for all who have no other. */
async function byForAwait(stream, input, tally, budget) {
  const fed = feedOnceAwaited(stream, input, budget)
  for await (const frame of keep(stream[Symbol.asyncIterator]())) tally.take(frame)
  await fed
}

/** Byte frames made into strings, as someone who wants text has to. */
async function byDataToString(stream, input, tally, budget) {
  stream.on('data', (frame) => tally.take(frame.toString()))
  await feed(stream, input, budget)
}

async function readlineByEvent(input, tally, budget) {
  const source = new PassThrough()
  const lines = createInterface({ input: source, crlfDelay: Infinity })
  lines.on('line', (line) => tally.take(line))
  await feed(source, input, budget, lines, 'close')
}

async function readlineForAwait(input, tally, budget) {
  const source = new PassThrough()
  const lines = createInterface({ input: source, crlfDelay: Infinity })
  const fed = feedOnceAwaited(source, input, budget, lines, 'close')
  for await (const line of keep(lines[Symbol.asyncIterator]())) tally.take(line)
  await fed
}

const split2Peers = (consume, newline, note) => [
  streamPeer(`split2 ${JSON.stringify(newline)}${note}`, 'text', consume, () => split2(newline)),
  streamPeer(`split2 default${note}`, 'text', consume, () => split2()),
]

/** Every peer, by 'data' (readline: by 'line'). */
export const byEvents = (newline) => [
  ...split2Peers(byData, newline, ''),
  streamPeer('binary-split', 'bytes', byData, () => binarySplit(newline)),
  streamPeer('byline', 'bytes', byData, () => new byline.LineStream()),
  streamPeer('parser-delimiter', 'bytes', byData, () => new DelimiterParser({ delimiter: newline })),
  { name: 'readline', side: 'text', frames: 'text', run: readlineByEvent },
]

/**
 * The peers that give text, and the byte splitters with a `toString` per frame. byline is left out:
 * it decodes each chunk alone and breaks a character that is cut.
 */
export const asText = (newline) => [
  ...split2Peers(byData, newline, ''),
  { name: 'readline', side: 'text', frames: 'text', run: readlineByEvent },
  { ...streamPeer('binary-split + toString', 'bytes', byDataToString, () => binarySplit(newline)), frames: 'text' },
  {
    ...streamPeer('parser-delimiter + toString', 'bytes', byDataToString, () => new DelimiterParser({ delimiter: newline })),
    frames: 'text',
  },
]

/**
 * The peers that keep frames apart under `for await`. binary-split is left out: its readable side
 * is in byte mode, where frames run together. parser-delimiter needs an option for the same reason.
 */
export const byIteration = (newline) => [
  ...split2Peers(byForAwait, newline, ' for await'),
  streamPeer('byline for await', 'bytes', byForAwait, () => new byline.LineStream()),
  streamPeer('parser-delimiter for await', 'bytes', byForAwait, () =>
    new DelimiterParser({ delimiter: newline, readableObjectMode: true })),
  { name: 'readline for await', side: 'text', frames: 'text', run: readlineForAwait },
]

const { default: frameStream } = await import('frame-stream')
const lengthPrefixed = requireOwnStreams('length-prefixed-stream')
const { decode: decodeLengthPrefixed } = await import('it-length-prefixed')

/** A list of chunks by `for`, joined to bytes as someone who wants a message has to. */
function byIterable(name, options) {
  const run = async (input, tally) => {
    const source = function* () {
      for (let i = 0; i < input.length; i += 1) yield input.at(i)
    }
    for (const message of decodeLengthPrefixed(source(), options)) tally.take(message.subarray())
  }
  return { name, side: 'bytes', frames: 'bytes', run }
}

const uint32 = Object.assign((list) => list.getUint32(0), { bytes: 4 })

/** The peers for lengths of 4 bytes, big-endian. */
export const byLengths = () => [
  streamPeer('frame-stream', 'bytes', byData, () => frameStream.decode({ lengthSize: 4 })),
  byIterable('it-length-prefixed', { lengthDecoder: uint32 }),
]

/** The peers for varint lengths. */
export const byVarints = () => [
  streamPeer('length-prefixed-stream', 'bytes', byData, () => lengthPrefixed.decode({ allowEmpty: true })),
  byIterable('it-length-prefixed'),
]
