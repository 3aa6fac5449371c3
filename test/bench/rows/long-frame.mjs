// One long frame: who stays linear when the delimiter does not come for a long time?
import { loopOverLf } from '../contenders/hand-written.mjs'
import { scanner, splitter } from '../contenders/ours.mjs'
import { longFrame, longFrameByteByByte } from '../inputs.mjs'

const FILLER = 'a line that goes on and on; '

const contenders = (peers) => [
  loopOverLf(),
  scanner('FrameScanner', '\n', { maxFrameLength: Infinity }),
  splitter('TerminatorSplitter', '\n', { maxFrameLength: Infinity }),
  ...(peers?.byEvents('\n') ?? []),
]

export const longInBytes = {
  name: 'long-1',
  title: 'one long frame in chunks of one byte',
  rounds: 3,
  warmups: 0,
  input: (options) => longFrameByteByByte(options.bytes(2), FILLER, '\n'),
  contenders,
}

export const longInChunks = {
  name: 'long-64k',
  title: 'one long frame in 64 KiB chunks',
  rounds: 3,
  warmups: 0,
  input: (options) => longFrame(options.bytes(64), FILLER, '\n'),
  contenders,
}
