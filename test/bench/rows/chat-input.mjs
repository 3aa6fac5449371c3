// The channel's input: what do its hooks and its reads cost per line over the bare splitter?
import { TerminatorSplitter } from '../../../dist/index.js'
import { chatFrames, chatPair, chatReads, pipedSplitter } from '../contenders/chat.mjs'
import { loopOverLf } from '../contenders/hand-written.mjs'
import { splitter, splitterForAwait } from '../contenders/ours.mjs'
import { LEAST_LINES_BYTES, asciiLines } from '../inputs.mjs'

export const chatLines = {
  name: 'chat-lines',
  title: 'lines of 80 bytes ended by LF, by the hooks of a channel',
  rounds: 11,
  warmups: 2,
  input: (options) => asciiLines(80, '\n', options.bytes(16, LEAST_LINES_BYTES)),
  contenders: () => [
    loopOverLf(),
    splitter('TerminatorSplitter, written to', '\n'),
    pipedSplitter('TerminatorSplitter, piped to', () => new TerminatorSplitter('\n')),
    chatFrames('AsyncChat handleFrame', '\n'),
    chatPair('AsyncChat collect and foundTerminator', '\n'),
  ],
}

export const chatReadsRow = {
  name: 'chat-reads',
  title: 'lines of 80 bytes ended by LF, each awaited',
  rounds: 11,
  warmups: 2,
  input: (options) => asciiLines(80, '\n', options.bytes(8, LEAST_LINES_BYTES)),
  contenders: () => [
    loopOverLf(),
    splitterForAwait('TerminatorSplitter for await', '\n'),
    chatReads('AsyncChat await readFrame', '\n'),
  ],
}
