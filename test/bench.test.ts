import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import t from 'tap'

// The libraries it compares with are installed by `npm run bench`, not by `npm ci`.
const hasPeers = existsSync('test/bench/node_modules/split2/package.json')

/** Runs the bench. What it covers does not count: coverage is for what tests judge, and slows what it counts. */
function runBench(...options: string[]): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
  const bench = spawn(process.execPath, ['test/bench/run.mjs', ...options], { env })
  let output = ''
  for (const stream of [bench.stdout, bench.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve, reject) => {
    bench.on('error', reject)
    bench.on('close', (code) => resolve({ code, output }))
  })
}

t.test('bench: every contender finds the same frames', async (t) => {
  const { code, output } = await runBench('--quick', ...(hasPeers ? [] : ['--no-peers']))
  t.equal(code, 0, output)
  t.match(output, /^Frames: all counts and lengths equal \(\d+ contenders checked\)$/m)
  t.notMatch(output, /WRONG|cut off|below/)
  if (hasPeers) t.match(output, /^ {2}split2 .*\n(.*\n)* {2}readline /m)
})

t.test('bench: refuses a row that it does not have', async (t) => {
  const { code, output } = await runBench('--row', 'nonsense')
  t.equal(code, 2)
  t.match(output, /No row is named nonsense/)
})
