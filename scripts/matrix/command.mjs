// Runs other programs for the matrix: with a time limit, and with their output in the error when they fail.
import { execFile } from 'node:child_process';

/**
 * Runs a program to its end.
 *
 * @returns what it wrote to standard output
 */
export function run(command, args, { cwd, minutes = 5, env = {} }) {
  return new Promise((resolve, reject) => {
    const options = { cwd, timeout: minutes * 60_000, maxBuffer: 64 * 2 ** 20, env: { ...process.env, ...env } };
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(new Error(`${command} ${args.join(' ')}: ${error.killed ? 'took too long' : `status ${error.code}`}\n${stdout}${stderr}`));
    });
  });
}

/** The outcome that a program of `tests/matrix/programs/` printed as its last line. */
export function outcomeOf(stdout) {
  return JSON.parse(stdout.trim().split('\n').at(-1));
}
