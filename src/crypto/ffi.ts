/** Node warns on stderr that its FFI is new. Users of a command can do nothing about that, and the self-test answers for it. */
export async function importFfi(): Promise<typeof import('node:ffi')> {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
    if (!String(warning).startsWith('FFI is an experimental feature')) emitWarning.call(process, warning, ...rest);
  }) as typeof emitWarning;
  try {
    return await import('node:ffi');
  } finally {
    process.emitWarning = emitWarning;
  }
}
