// Iteration: what does `for await` cost per frame, and what do batches save?
import { loopOverLf } from '../contenders/hand-written.mjs'
import { splitterBatches, splitterForAwait } from '../contenders/ours.mjs'
import { LEAST_LINES_BYTES, asciiLines } from '../inputs.mjs'
import { ratioToNamed } from './floors.mjs'

const FOR_AWAIT = 'TerminatorSplitter for await'
const BATCHES = 'TerminatorSplitter batches()'

export const forAwait = {
  name: 'for-await',
  title: 'lines of 80 bytes ended by LF, consumed by for await',
  rounds: 25,
  warmups: 3,
  input: (options) => asciiLines(80, '\n', options.bytes(8, LEAST_LINES_BYTES)),
  contenders: (peers) => [
    loopOverLf(), splitterForAwait(FOR_AWAIT, '\n'), ...(peers?.byIteration('\n') ?? []),
  ],
  floors: (entries) => [
    ...ratioToNamed('for await, against split2 default', entries, FOR_AWAIT, 'split2 default for await', 2),
    ...ratioToNamed('for await, against split2 "\\n"', entries, FOR_AWAIT, 'split2 "\\n" for await', 2),
  ],
}

export const batches = {
  name: 'batches',
  title: 'lines of 80 bytes ended by LF, consumed in batches',
  rounds: 25,
  warmups: 3,
  input: (options) => asciiLines(80, '\n', options.bytes(8, LEAST_LINES_BYTES)),
  contenders: () => [loopOverLf(), splitterBatches(BATCHES, '\n'), splitterForAwait(FOR_AWAIT, '\n')],
}
