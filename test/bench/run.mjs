// npm run bench: how fast is asynchat beside a hand-written loop and beside the libraries people use?
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { readOptions, USAGE } from './options.mjs'
import { printFloors, printSetting } from './report.mjs'
import { ROWS } from './rows/index.mjs'

function printUsage(unknown) {
  const names = ROWS.map((row) => row.name).join(' ')
  for (const name of unknown) console.log(`No row is named ${name}`)
  console.log(`${USAGE}\n\nRows: ${names}`)
}

/** Runs a row by itself: what the engine learnt from one must not decide what another is measured to cost. */
async function runRow(row, args) {
  const child = fork(fileURLToPath(new URL('row.mjs', import.meta.url)), [...args, '--row', row.name], { serialization: 'advanced' })
  const told = once(child, 'message')
  const [code, signal] = await once(child, 'exit')
  if (code !== 0) throw new Error(`The row ${row.name} ended with ${signal ?? code}`)
  const [result] = await told
  return result
}

/** Runs the rows asked for, one after the other; returns the sums of what they found. */
async function runRows({ rows }, args) {
  const sum = { checked: 0, wrong: 0, floors: [] }
  for (const row of ROWS) {
    if (rows.length > 0 && !rows.includes(row.name)) continue
    const { checked, wrong, floors } = await runRow(row, args)
    sum.checked += checked
    sum.wrong += wrong
    sum.floors.push(...floors)
  }
  return sum
}

async function main() {
  const args = process.argv.slice(2)
  const options = readOptions(args)
  const unknown = options.rows.filter((name) => !ROWS.some((row) => row.name === name))
  if (options.wantsHelp || unknown.length > 0) {
    printUsage(unknown)
    return unknown.length === 0 ? 0 : 2
  }
  printSetting(options)
  const { checked, wrong, floors } = await runRows(options, args)
  console.log(wrong === 0
    ? `\nFrames: all counts and lengths equal (${checked} contenders checked)`
    : `\nFrames: ${wrong} of ${checked} contenders WRONG`)
  // In a quick run only what is counted can be judged.
  const judged = floors.filter((floor) => floor.isCounted || !options.isQuick)
  const allHold = judged.length === 0 || printFloors(judged)
  return wrong > 0 || (options.isStrict && !allHold) ? 1 : 0
}

process.exitCode = await main()
