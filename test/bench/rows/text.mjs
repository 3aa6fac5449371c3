// Text: how fast do frames become strings, with characters cut by the chunk borders?
import { loopOverDecodedText, loopOverTextFrames } from '../contenders/hand-written.mjs'
import { splitter, splitterForAwait } from '../contenders/ours.mjs'
import { LEAST_LINES_BYTES, utf8Lines } from '../inputs.mjs'

export const text = {
  name: 'text',
  title: 'UTF-8 lines of about 80 bytes, one to four bytes a character',
  rounds: 7,
  warmups: 1,
  input: (options) => utf8Lines(options.bytes(16, LEAST_LINES_BYTES)),
  contenders: (peers) => [
    loopOverDecodedText('hand-written, decode then slice'),
    loopOverTextFrames('hand-written, cut then decode'),
    splitter('TerminatorSplitter', '\n', { encoding: 'utf8' }),
    splitterForAwait('TerminatorSplitter for await', '\n', { encoding: 'utf8' }),
    ...(peers?.asText('\n') ?? []),
  ],
}
