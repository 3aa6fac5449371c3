// One row of the bench, in a process of its own: `run.mjs` starts it, and is told what it found.
import process from 'node:process'
import { readOptions } from './options.mjs'
import { race } from './race.mjs'
import { printRace } from './report.mjs'
import { ROWS } from './rows/index.mjs'

/** Runs one race row; returns `{ checked, wrong, floors }`. */
async function runRace(row, options, peers) {
  const input = row.input(options)
  const entries = await race(row.contenders(peers), input, {
    rounds: options.rounds(row.rounds),
    warmups: options.warmups(row.warmups),
    budgetMs: options.budgetMs,
  })
  printRace(row, input, entries)
  const checked = entries.filter((entry) => entry.cutAt === null).length
  const wrong = entries.filter((entry) => entry.wrong !== null).length
  return { checked, wrong, floors: row.floors?.(entries) ?? [] }
}

const options = readOptions(process.argv.slice(2))
// The last one asked for.
const row = ROWS.find(({ name }) => name === options.rows.at(-1))
const peers = options.withPeers ? await import('./contenders/peers.mjs') : null
process.send(row.measure === undefined ? await runRace(row, options, peers) : await row.measure(options))
process.disconnect()
