// The rows, in the order in which they run.
import { chatLines, chatReadsRow } from './chat-input.mjs'
import { chatPush } from './chat-push.mjs'
import { codecs, lengthFields, varintLengths } from './codecs.mjs'
import { forAwait, batches } from './iteration.mjs'
import { growth } from './growth.mjs'
import { bytesCrlf, bytesLf, shortLines } from './lines.mjs'
import { longInBytes, longInChunks } from './long-frame.mjs'
import { memory } from './memory.mjs'
import { producers } from './producers.mjs'
import { setOfTwo } from './set.mjs'
import { text } from './text.mjs'

export const ROWS = [
  bytesLf, bytesCrlf, shortLines, text, forAwait, batches, setOfTwo, longInBytes, longInChunks, growth, memory,
  chatLines, chatReadsRow, chatPush, producers, codecs, lengthFields, varintLengths,
]
