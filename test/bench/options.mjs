// What the command line asks for: how much to measure, and which rows.
import { parseArgs } from 'node:util'

export const USAGE = `Usage: node test/bench/run.mjs [--row NAME]... [--quick] [--no-peers] [--strict]

  --row NAME   only this row (may be given again)
  --quick      tiny inputs, one round: checks the frames, the times mean nothing
  --no-peers   only the hand-written loops and asynchat; nothing needs to be installed
  --strict     exit 1 when a floor is missed, not only when a frame is wrong`

const MIB = 1024 * 1024

/** Sizes are divided by `shrink`; a run longer than `budgetMs` is cut off and printed so. A quick one never is. */
const FULL = { shrink: 1, budgetMs: 3000, minRounds: 1, roundsFactor: 1, warmups: 1 }
const QUICK = { shrink: 256, budgetMs: Infinity, minRounds: 1, roundsFactor: 0, warmups: 0 }

export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      row: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      'no-peers': { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const scale = values.quick ? QUICK : FULL
  return {
    rows: values.row,
    isQuick: values.quick,
    withPeers: !values['no-peers'],
    isStrict: values.strict,
    wantsHelp: values.help,
    budgetMs: scale.budgetMs,
    /** Bytes for a size given in MiB, at this run's scale. */
    bytes: (mib, least = 4096) => Math.max(least, Math.floor((mib * MIB) / scale.shrink)),
    /** Rounds at this run's scale. */
    rounds: (count) => Math.max(scale.minRounds, count * scale.roundsFactor),
    warmups: (count) => count * scale.warmups,
  }
}
