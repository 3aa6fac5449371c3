/** A codec that streams passes a message of any length at flat memory. */

import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runNode } from '../support/run-node.js'

const STORY = fileURLToPath(new URL('../support/codec-memory.js', import.meta.url))
/** Without what is kept, garbage that the collector has not seen yet. */
const MOST_MIB = 96
/** A chunk, and what a stream takes before it stops its source. */
const MOST_HELD_BYTES = 4 * 64 * 1024

for (const [story, what, length] of [
  ['resp', 'with resp passes a bulk string of 500 MB', 500_000_000],
  ['chunked', 'with httpChunked passes a body of 1 GB', 1_000_000_000],
] as const) {
  t.test(`decoder: ${what} at flat memory`, async (t) => {
    const { code, stdout, stderr } = await runNode(STORY, story)
    t.equal(code, 0, stderr)
    const { received, endCount, mostHeld, memoryMiB } = JSON.parse(stdout) as Record<string, number>
    t.equal(received, length)
    t.equal(endCount, 1)
    t.ok((mostHeld as number) <= MOST_HELD_BYTES, `at most ${mostHeld} bytes were held`)
    t.ok((memoryMiB as number) <= MOST_MIB, `${memoryMiB} MiB more than at the start`)
  })
}
