// Feeds a writable the same way for every contender: write until it says no, go on at 'drain'.

const KEPT_COUNT = 64
const kept = new Array(KEPT_COUNT).fill(null)
let keptCount = 0

/**
 * Keeps an object of a run for a while, as a server keeps some connection all the time. When the
 * last instance of a class is collected, the engine throws away the code that was compiled for it,
 * and the next run would measure the compiler.
 */
export function keep(object) {
  kept[keptCount % KEPT_COUNT] = object
  keptCount += 1
  return object
}

/** A time budget for one run. Past it the feeding stops: a quadratic contender would take minutes. */
export class Budget {
  #deadline
  #mask
  /** Bytes fed when the run was cut off, or null. */
  cutAt = null

  constructor(milliseconds, chunkBytes) {
    this.#deadline = performance.now() + milliseconds
    // The clock costs more than a one-byte write: look at it once in 64 of those.
    this.#mask = chunkBytes === 1 ? 63 : 0
  }

  /** Is the time over before chunk `index` of `input`? */
  isSpent(index, input) {
    if ((index & this.#mask) !== 0 || performance.now() < this.#deadline) return false
    this.cutAt = index * input.chunkBytes
    return true
  }
}

/** Writes `input` to `writable`; resolves when `source` (where frames come out) is over, or at a cut. */
export function feed(writable, input, budget, source = writable, over = 'end') {
  keep(writable)
  keep(source)
  return new Promise((resolve, reject) => {
    let index = 0
    const writeOn = () => {
      while (index < input.length) {
        if (budget.isSpent(index, input)) {
          writable.removeListener('drain', writeOn)
          writable.destroy()
          resolve()
          return
        }
        const chunk = input.at(index)
        index += 1
        if (!writable.write(chunk)) return
      }
      writable.removeListener('drain', writeOn)
      writable.end()
    }
    writable.on('drain', writeOn).on('error', reject)
    source.on(over, resolve)
    writeOn()
  })
}

/** Consumes by 'data'. */
export async function byData(stream, input, tally, budget) {
  stream.on('data', (frame) => tally.take(frame))
  await feed(stream, input, budget)
}

/**
 * Feeds from the next microtask on, when the iteration has begun: node:readline loses the lines
 * that come before that.
 */
export function feedOnceAwaited(...args) {
  return Promise.resolve().then(() => feed(...args))
}
