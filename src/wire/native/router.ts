export interface Match {
  readonly template: string;
  /** Values of the `{...}` segments, percent-decoded. */
  readonly values: readonly string[];
}

/**
 * Finds the template, such as 'GET /keys/{key}', that a method and a raw path fit; words win over `{...}`. Segments are split
 * before they are decoded, so a name may hold an encoded slash.
 */
export function router(templates: readonly string[]): (method: string, path: string) => Match | undefined {
  const bySize = new Map<string, Array<{ readonly template: string; readonly segments: readonly string[] }>>();
  for (const template of [...templates].sort((a, b) => rank(a) - rank(b))) {
    const [method, path] = template.split(' ') as [string, string];
    const segments = path.slice(1).split('/');
    const size = `${method} ${segments.length}`;
    bySize.set(size, [...(bySize.get(size) ?? []), { template, segments }]);
  }
  return (method, path) => {
    const given = path.slice(1).split('/', 9);
    for (const { template, segments } of bySize.get(`${method} ${given.length}`) ?? []) {
      const values: string[] = [];
      const fits = segments.every((segment, i) => {
        if (!segment.startsWith('{')) return segment === given[i];
        const value = decoded(given[i]!);
        if (value === undefined || value === '') return false;
        values.push(value);
        return true;
      });
      if (fits) return { template, values };
    }
    return undefined;
  };
}

const rank = (template: string) => template.split('{').length;

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
