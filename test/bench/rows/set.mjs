// Sets: what does a second delimiter cost that never comes?
import { loopOverLf } from '../contenders/hand-written.mjs'
import { scanner, splitter } from '../contenders/ours.mjs'
import { LEAST_LINES_BYTES, asciiLines } from '../inputs.mjs'
import { costAgainst } from './floors.mjs'

const ABSENT = ['\n', '<end>']
// "e" is in every line, so that the search for this one stops again and again for nothing.
const ABSENT_COMMON_BYTE = ['\n', '<none']

export const setOfTwo = {
  name: 'set',
  title: 'lines of 80 bytes ended by LF, with a second delimiter that never comes',
  rounds: 11,
  warmups: 2,
  input: (options) => asciiLines(80, '\n', options.bytes(16, LEAST_LINES_BYTES)),
  contenders: () => [
    loopOverLf(),
    scanner('FrameScanner, one', '\n'),
    scanner('FrameScanner, two', ABSENT),
    scanner('FrameScanner, two, common last byte', ABSENT_COMMON_BYTE),
    splitter('TerminatorSplitter, one', '\n'),
    splitter('TerminatorSplitter, two', ABSENT),
    splitter('TerminatorSplitter, two, common last byte', ABSENT_COMMON_BYTE),
  ],
  floors: (entries) => ['FrameScanner', 'TerminatorSplitter'].map((face) =>
    costAgainst(`absent second delimiter, ${face}`, entries, `${face}, two`, `${face}, one`, 1.3)),
}
