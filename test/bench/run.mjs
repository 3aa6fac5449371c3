// npm run bench: how fast is asynchat beside a hand-written loop and beside the libraries people use?
import { readOptions, USAGE } from './options.mjs'
import { race } from './race.mjs'
import { printFloors, printRace, printSetting } from './report.mjs'
import { ROWS } from './rows/index.mjs'

/** Runs one race row; returns `{ checks, wrong, floors }`. */
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

function printUsage(unknown) {
  const names = ROWS.map((row) => row.name).join(' ')
  for (const name of unknown) console.log(`No row is named ${name}`)
  console.log(`${USAGE}\n\nRows: ${names}`)
}

/** Runs the rows asked for; returns the sums of what they found. */
async function runRows(options, peers) {
  const sum = { checked: 0, wrong: 0, floors: [] }
  for (const row of ROWS) {
    if (options.rows.length > 0 && !options.rows.includes(row.name)) continue
    const result = row.measure === undefined ? await runRace(row, options, peers) : await row.measure(options)
    sum.checked += result.checked
    sum.wrong += result.wrong
    sum.floors.push(...result.floors)
  }
  return sum
}

async function main() {
  const options = readOptions(process.argv.slice(2))
  const unknown = options.rows.filter((name) => !ROWS.some((row) => row.name === name))
  if (options.wantsHelp || unknown.length > 0) {
    printUsage(unknown)
    return unknown.length === 0 ? 0 : 2
  }
  printSetting(options)
  const peers = options.withPeers ? await import('./contenders/peers.mjs') : null
  const { checked, wrong, floors } = await runRows(options, peers)
  console.log(wrong === 0
    ? `\nFrames: all counts and lengths equal (${checked} contenders checked)`
    : `\nFrames: ${wrong} of ${checked} contenders WRONG`)
  // In a quick run only what is counted can be judged.
  const judged = floors.filter((floor) => floor.isCounted || !options.isQuick)
  const allHold = judged.length === 0 || printFloors(judged)
  return wrong > 0 || (options.isStrict && !allHold) ? 1 : 0
}

process.exitCode = await main()
