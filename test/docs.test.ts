/**
 * Every example in README.md, docs/ and the doc comments is compiled and run, and prints what the block after it says.
 *
 *     ```ts            compiled, run; a ```text block right after it is its output
 *     ```ts no-run     compiled only
 */

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'
import { runNode, type Run } from './support/run-node.js'

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

const FOLDER = 'build/docs-blocks'
const MAX_PROCESSES = 4

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

const nameOf = ({ file, line }: Block): string => `${file.replaceAll(/[^a-z0-9]+/gi, '-')}-${line}`

/** What the compiler says, each with the block it is about, at the line that it has in its page. */
interface Complaint {
  readonly block: Block | undefined
  readonly message: string
}

/** Compiles all of them at once. */
async function compile(blocks: readonly Block[]): Promise<Complaint[]> {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  const compilerOptions = { noEmit: false, rootDir: '.', outDir: '.', declaration: false, declarationMap: false, sourceMap: false }
  writeFileSync(`${FOLDER}/tsconfig.json`, JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'], exclude: [] }))
  for (const block of blocks) writeFileSync(`${FOLDER}/${nameOf(block)}.ts`, block.source)
  const { code, stdout, stderr } = await runNode('node_modules/typescript/lib/tsc.js', '-p', FOLDER, '--pretty', 'false')
  if (code === 0) return []
  return `${stdout}${stderr}`.split('\n').filter((line) => line !== '').map((line) => {
    const [, name, lineInBlock, message] = /([^/\\]+)\.ts\((\d+),\d+\): (.*)$/.exec(line) ?? []
    const block = blocks.find((one) => nameOf(one) === name)
    return { block, message: block === undefined ? line : `${block.file}:${block.line + Number(lineInBlock)}: ${message}` }
  })
}

async function runAll(blocks: readonly Block[]): Promise<Map<Block, Run>> {
  const runs = new Map<Block, Run>()
  const queue = blocks.filter(({ isRun }) => isRun).values()
  const worker = async (): Promise<void> => {
    for (const block of queue) runs.set(block, await runNode(`${FOLDER}/${nameOf(block)}.js`))
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
  const complaints = await compile(blocks)
  const runs = await runAll(blocks.filter((block) => existsSync(`${FOLDER}/${nameOf(block)}.js`)))
  const messagesAbout = (block?: Block): string[] => complaints.filter((one) => one.block === block).map(({ message }) => message)
  t.same(messagesAbout(), [], 'the compiler has nothing else to say')
  for (const block of blocks) {
    t.test(block.at, async (t) => {
      t.same(messagesAbout(block), [], 'it compiles')
      if (!block.isRun) return
      const { code, stdout, stderr } = runs.get(block) ?? { code: 'not compiled', stdout: '', stderr: '' }
      t.equal(code, 0, `it runs: ${stderr}`)
      if (block.output !== null) t.equal(stdout, block.output, 'it prints what the page says')
    })
  }
})
