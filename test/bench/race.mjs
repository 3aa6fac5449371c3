// Runs contenders against each other: a check of every frame first, then timed rounds in which
// each runs once, in an order that turns by one per round, so that nobody always follows the same
// neighbour. The best of the rounds counts.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Budget, keep } from './feed.mjs'
import { ByteTally, Digest, TextTally } from './tally.mjs'

// A collection before each run, so that no contender pays for the garbage of the one before;
// without code flushing, which would throw away the code of those that wait for their turn.
setFlagsFromString('--expose-gc')
setFlagsFromString('--no-flush-bytecode')
export const collectGarbage = runInNewContext('gc')

async function runOnce(contender, input, tally, budgetMs) {
  collectGarbage()
  keep(tally)
  const budget = new Budget(budgetMs, input.chunkBytes)
  const start = performance.now()
  try {
    await contender.run(input, tally, budget)
  } catch (error) {
    // A stream that was cut off ends its consumer with an error: that one is expected.
    if (budget.cutAt === null) throw error
  }
  return { ms: performance.now() - start, cutAt: budget.cutAt }
}

/** Untimed: every frame's bytes, by count, length and hash. Sets `wrong` and `cutAt`. */
async function check(entries, input, budgetMs) {
  let digest = null
  for (const entry of entries) {
    const tally = new Digest()
    try {
      const { cutAt } = await runOnce(entry.contender, input, tally, budgetMs)
      entry.cutAt = cutAt
    } catch (error) {
      entry.wrong = String(error)
      continue
    }
    if (entry.cutAt !== null) continue
    const value = tally.value()
    digest ??= value
    if (!tally.agreesWith(input.expected)) {
      entry.wrong = `${tally.count} frames of ${tally.length} bytes, ` +
        `wanted ${input.expected.count} of ${input.expected.bytes}`
    } else if (value !== digest) {
      entry.wrong = 'other bytes than the first contender'
    }
  }
}

/** One timed run of one entry. */
async function time(entry, input, budgetMs, counts) {
  const tally = entry.contender.frames === 'text' ? new TextTally() : new ByteTally()
  const { ms, cutAt } = await runOnce(entry.contender, input, tally, budgetMs)
  entry.cutAt = cutAt
  if (cutAt !== null) return
  if (!tally.agreesWith(input.expected)) {
    entry.wrong = `${tally.count} frames of length ${tally.length} in a timed run`
  } else if (counts) {
    entry.bestMs = Math.min(entry.bestMs, ms)
  }
}

/**
 * Resolves to one entry per contender, in their order: `{ contender, bestMs, wrong, cutAt }`. A
 * contender that was wrong or was cut off once is not run again.
 */
export async function race(contenders, input, { rounds, warmups, budgetMs }) {
  const entries = contenders.map((contender) => ({ contender, bestMs: Infinity, wrong: null, cutAt: null }))
  await check(entries, input, budgetMs)
  for (let round = -warmups; round < rounds; round += 1) {
    for (let i = 0; i < entries.length; i += 1) {
      const entry = entries[(i + round + warmups) % entries.length]
      if (entry.wrong === null && entry.cutAt === null) await time(entry, input, budgetMs, round >= 0)
    }
  }
  return entries
}
