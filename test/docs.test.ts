/**
 * Every example in README.md, docs/ and the doc comments is compiled and run, and prints what the block after it says.
 *
 *     ```ts            compiled, run; a ```text block right after it is its output
 *     ```ts no-run     compiled only
 */

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

interface Block {
  /** Where it begins, as file:line. */
  readonly at: string
  readonly file: string
  readonly line: number
  readonly source: string
  readonly isRun: boolean
  /** What it prints, where the page says so. */
  readonly output: string | null
}

interface Run {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

const FOLDER = 'build/docs-blocks'
const MAX_PROCESSES = 4
const TIMEOUT_MS = 15_000

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => posix.join(folder, file.replaceAll('\\', '/'))).filter((file) => file.endsWith(ending)).toSorted()

/** The lines of a page; of a source file those of its doc comments, at the line they have. */
function prose(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split(/\r?\n/)
  return file.endsWith('.md') ? lines : lines.map((line) => /^\s*\* ?(.*)$/.exec(line)?.[1] ?? '')
}

interface Fence {
  readonly language: string
  readonly line: number
  readonly text: string
  readonly end: number
}

function fencesIn(lines: readonly string[]): Fence[] {
  const fences: Fence[] = []
  for (let start = 0; start < lines.length; start++) {
    const [, indent = '', language] = /^(\s*)```(.*)$/.exec(lines[start] as string) ?? []
    if (language === undefined) continue
    let end = start + 1
    while (end < lines.length && lines[end]?.trim() !== '```') end++
    const text = lines.slice(start + 1, end).map((line) => line.slice(indent.length))
    fences.push({ language: language.trim(), line: start + 1, text: text.map((line) => `${line}\n`).join(''), end: end + 1 })
    start = end
  }
  return fences
}

function blocksIn(file: string): Block[] {
  const fences = fencesIn(prose(file))
  return fences.flatMap(({ language, line, text, end }, index) => {
    if (language !== 'ts' && language !== 'ts no-run') return []
    const next = fences[index + 1]
    const output = next?.language === 'text' && next.line === end + 1 ? next.text : null
    return [{ at: `${file}:${line}`, file, line, source: text, isRun: language === 'ts', output }]
  })
}

/** Runs Node as a user does: the coverage and the loaders of the test process are not for it. */
async function node(...options: string[]): Promise<Run> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^NODE_|TAP/.test(name)))
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, options, { env, timeout: TIMEOUT_MS })) }
  } catch (error) {
    const { code, signal, stdout, stderr } = error as { code?: number; signal?: string } & Run
    return { code: code ?? signal ?? 'unknown', stdout, stderr }
  }
}

const nameOf = ({ file, line }: Block): string => `${file.replaceAll(/[^a-z0-9]+/gi, '-')}-${line}`

/** Compiles all of them at once. Gives what the compiler says of each, at the line that it has in its page. */
async function compile(blocks: readonly Block[]): Promise<(block: Block) => string[]> {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  const compilerOptions = { noEmit: false, rootDir: '.', outDir: '.', declaration: false, declarationMap: false, sourceMap: false }
  writeFileSync(`${FOLDER}/tsconfig.json`, JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'], exclude: [] }))
  for (const block of blocks) writeFileSync(`${FOLDER}/${nameOf(block)}.ts`, block.source)
  const { stdout, stderr } = await node('node_modules/typescript/bin/tsc', '-p', FOLDER, '--pretty', 'false')
  const said = `${stdout}${stderr}`.split('\n')
  return (block) => said.flatMap((message) => {
    const [, name, line, rest] = /([^/\\]+)\.ts\((\d+),\d+\): (.*)$/.exec(message) ?? []
    return name === nameOf(block) ? [`${block.file}:${block.line + Number(line)}: ${rest}`] : []
  })
}

async function runAll(blocks: readonly Block[]): Promise<Map<Block, Run>> {
  const runs = new Map<Block, Run>()
  const queue = blocks.filter(({ isRun }) => isRun).values()
  const worker = async (): Promise<void> => {
    for (const block of queue) runs.set(block, await node(`${FOLDER}/${nameOf(block)}.js`))
  }
  await Promise.all(Array.from({ length: MAX_PROCESSES }, worker))
  return runs
}

const pages = ['README.md', ...filesIn('docs', '.md')].filter((file) => existsSync(file))
const files = [...pages, ...filesIn('src', '.ts')]
const blocks = files.flatMap((file) => blocksIn(file))

t.test('docs: has examples in the README, in docs/ and in doc comments', async (t) => {
  for (const folder of ['README.md', 'docs/', 'src/']) t.ok(blocks.some(({ file }) => file.startsWith(folder)), folder)
})

t.test('docs: has no code that is not checked', async (t) => {
  for (const file of files) {
    const fences = fencesIn(prose(file))
    const unchecked = fences.filter(({ language }) => /^(?:m?js|cjs|c?ts|mts|javascript|typescript)\b/.test(language) && language !== 'ts' && language !== 'ts no-run')
    t.same(unchecked.map(({ line }) => `${file}:${line}`), [], file)
  }
})

t.test('docs: examples do what the pages say', async (t) => {
  const errorsOf = await compile(blocks)
  const runs = await runAll(blocks.filter((block) => existsSync(`${FOLDER}/${nameOf(block)}.js`)))
  for (const block of blocks) {
    t.test(block.at, async (t) => {
      t.same(errorsOf(block), [], 'it compiles')
      if (!block.isRun) return
      const { code, stdout, stderr } = runs.get(block) ?? { code: 'not run', stdout: '', stderr: '' }
      t.equal(code, 0, `it runs: ${stderr}`)
      if (block.output !== null) t.equal(stdout, block.output, 'it prints what the page says')
    })
  }
})
