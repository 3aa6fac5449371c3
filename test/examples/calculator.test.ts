import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createGzip, gunzipSync } from 'node:zlib'
import t from 'tap'
import { Calculator, answerTo } from '../../docs/examples/calculator.js'

const SCRIPT = fileURLToPath(new URL('../../docs/examples/calculator.js', import.meta.url))
const MIB = 1024 * 1024

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const start = (...nodeArgs: string[]): ChildProcessWithoutNullStreams => spawn(process.execPath, [...nodeArgs, SCRIPT])

async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, stdout, stderr }
}

async function run(input: string | Iterable<Uint8Array>, ...nodeArgs: string[]): Promise<Ended> {
  const child = start(...nodeArgs)
  const [end] = await Promise.all([ended(child), pipeline(Readable.from(typeof input === 'string' ? [input] : input), child.stdin)])
  return end
}

function shell(command: string): Promise<Ended> {
  const env = { ...process.env, NODE: process.execPath, SCRIPT }
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

const EXPRESSIONS: readonly (readonly [line: string, answer: string])[] = [
  ['1 + 2 * 3', '7'],
  ['(1 + 2) * 3', '9'],
  ['8 - 3 - 2', '3'],
  ['2 ^ 3 ^ 2', '512'],
  ['-2 ^ 2', '-4'],
  ['--1', '1'],
  ['7 % 4 / 2', '1.5'],
  ['1.5e3+.5', 'error: expected a number, got "."'],
  ['1.5e3+0.5', '1500.5'],
  ['10 / (5 - 5)', 'error: division by zero'],
  ['1 % 0', 'error: division by zero'],
  ['', 'error: expected a number, got the end of the line'],
  ['(1', 'error: expected ")", got the end of the line'],
  ['(1]', 'error: expected ")", got "]"'],
  ['1 2', 'error: unexpected "2"'],
  ['1 +', 'error: expected a number, got the end of the line'],
  ['process.exit()', 'error: expected a number, got "p"'],
  ['2 + \u{1f600}', 'error: expected a number, got "\u{1f600}"'],
  ['\x1b[2J', 'error: expected a number, got "\\u001b"'],
  [`${'('.repeat(99)}1${')'.repeat(99)}`, '1'],
  ['('.repeat(500), 'error: nested too deeply'],
  ['-'.repeat(500), 'error: nested too deeply'],
  [Array.from({ length: 500 }, () => '1').join('^'), 'error: nested too deeply'],
]
const INPUT = EXPRESSIONS.map(([line]) => `${line}\n`).join('')
const OUTPUT = EXPRESSIONS.map(([, answer]) => `${answer}\n`).join('')

t.test('answerTo: gives a value, or says what is wrong', async (t) => {
  for (const [line, answer] of EXPRESSIONS) t.equal(answerTo(line), answer, line.slice(0, 20))
})

t.test('Calculator: answers line by line, at every cut, the last line too when nothing ends it', async (t) => {
  const input = Buffer.from(`1+1\r\n\u00b5\n\n${'1'.repeat(1025)}\n6*7`)
  const wanted = '2\nerror: expected a number, got "\u00b5"\nerror: expected a number, got the end of the line\nerror: line longer than 1024 bytes\n42\n'
  for (let cut = 0; cut < input.length; cut += cut < 20 ? 1 : 101) {
    const [readable, writable] = [new PassThrough(), new PassThrough()]
    const calculator = new Calculator({ readable, writable })
    readable.write(input.subarray(0, cut))
    setImmediate(() => readable.end(input.subarray(cut)))
    t.equal(await text(writable), wanted, `cut at ${cut}`)
    t.same(await calculator.whenClosed, { incomplete: 3, unsent: 0 })
  }
})

t.test('Calculator: leaves a compressor that is its output all that was written', async (t) => {
  for (const readable of [Readable.from(['1+1\n2+2\n']), new PassThrough().end('1+1\n2+2\n')]) {
    const writable = createGzip()
    const { whenClosed } = new Calculator({ readable, writable })
    t.same(await whenClosed, { incomplete: 0, unsent: 0 })
    t.equal(String(gunzipSync(await buffer(writable))), '2\n4\n')
  }
})

t.test('calculator: answers in a pipe, and ends with its input', async (t) => {
  t.same(await run(INPUT), { code: 0, stdout: OUTPUT, stderr: '' })
  t.same(await run('1\r\n2'), { code: 0, stdout: '1\n2\n', stderr: '' }, 'the last line without its end')
  t.same(await run(''), { code: 0, stdout: '', stderr: '' }, 'no line')
})

t.test('calculator: answers each line when it is there, not when the input ends', async (t) => {
  const child = start()
  const end = ended(child)
  for (const line of ['1\n', '2\n']) {
    child.stdin.write(line)
    t.equal(String((await once(child.stdout, 'data'))[0]), line)
  }
  child.stdin.end()
  t.match(await end, { code: 0, stderr: '' })
})

t.test('calculator: ends quietly when its reader goes away early', async (t) => {
  const child = start()
  child.stdin.on('error', () => {}) // It ends with input unread.
  child.stdin.end(Array.from({ length: 100_000 }, (_, index) => `${index}\n`).join(''))
  const stderr = text(child.stderr)
  await once(child.stdout, 'data')
  child.stdout.destroy()
  t.same(await once(child, 'close'), [0, null])
  t.equal(await stderr, '')
})

t.test('calculator: ends quietly before head -1', { skip: process.platform === 'win32' && 'no POSIX shell' }, async (t) => {
  const { stdout, stderr } = await shell('seq 100000 | ("$NODE" "$SCRIPT"; echo "exit code $?" >&2) | head -1')
  t.same([stdout, stderr], ['1\n', 'exit code 0\n'])
})

t.test('calculator: says what failed, with exit code 1', { skip: !existsSync('/dev/full') && 'no /dev/full' }, async (t) => {
  const { code, stderr } = await shell('echo 1 | "$NODE" "$SCRIPT" > /dev/full')
  t.equal(code, 1)
  t.match(stderr, /^error: ENOSPC[^\n]*\n$/)
})

t.test('calculator: prompts at a terminal', async (t) => {
  const { stdout, code } = process.platform === 'linux' ? await shell('(sleep 0; echo 6*7; echo 2^8) | script -qec "$NODE $SCRIPT" /dev/null') : { stdout: '', code: 127 }
  if (code === 127) t.pass('script (util-linux) is not installed: there is no terminal to be had')
  else t.match(stdout.replaceAll('\r', ''), /> 42\n> 256\n> /)
})

t.test('calculator: answers all of 1 MB, and stops reading while its answers are not read', async (t) => {
  const LINES = 4_000
  const line = `1 ${'1'.repeat(997)}\n`
  const child = start()
  t.teardown(() => child.kill())
  const taken = { length: 0 }
  for (let count = 0; count < LINES; count += 40) child.stdin.write(line.repeat(40), () => (taken.length += 40 * line.length))
  child.stdin.end()
  let seen = -1
  for (let quietRounds = 0; quietRounds < 20 || taken.length === 0; quietRounds++) {
    if (seen !== taken.length) quietRounds = 0
    seen = taken.length
    await delay(10)
  }
  t.ok(taken.length < LINES * line.length / 2, `${taken.length} bytes taken of ${LINES * line.length}`)
  const { code, stdout, stderr } = await ended(child)
  t.same({ code, stderr, count: stdout.split('\n').length - 1 }, { code: 0, stderr: '', count: LINES })
})

t.test('calculator: takes a line of 160 MiB at flat memory', async (t) => {
  const report = `process.on('exit', () => console.error(process.resourceUsage().maxRSS * 1024))`
  const peakOf = async (input: Iterable<Uint8Array>): Promise<number> => {
    const { code, stdout, stderr } = await run(input, '--import', `data:text/javascript,${encodeURIComponent(report)}`)
    t.same([code, stdout], [0, 'error: line longer than 1024 bytes\n'])
    return Number(stderr)
  }
  const chunk = Buffer.alloc(MIB, '1')
  const [small, large] = [await peakOf([chunk]), await peakOf(Array.from({ length: 160 }, () => chunk))]
  t.ok(large - small < 80 * MIB, `${(large - small) / MIB} MiB more than for 1 MiB`)
})
