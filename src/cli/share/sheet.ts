/** A share on paper: one page of HTML that loads nothing from anywhere. */

export interface Sheet {
  /** What the share is on. */
  readonly share: string;
  readonly set: string;
  readonly number: number;
  readonly threshold: number;
  readonly total: number;
  readonly fingerprint: string;
  readonly custodian: string;
  readonly seal: string;
  /** What it is called by people; '' where that isn't known. */
  readonly server: string;
  /** YYYY-MM-DD. */
  readonly date: string;
}

const groupLength = 4;
const groupsInRow = 4;

/** Groups of four letters, four in a row: for typing. */
export function shareRows(share: string): readonly string[] {
  const groups = share.match(new RegExp(`.{1,${groupLength}}`, 'g')) ?? [];
  return Array.from({ length: Math.ceil(groups.length / groupsInRow) }, (_, row) =>
    groups.slice(row * groupsInRow, (row + 1) * groupsInRow).join(' '),
  );
}

/** The code of a share in blocks for a terminal, which is short of room, or as SVG for paper, of which a third may become unreadable. */
export async function qrCode(share: string, form: 'ascii' | 'svg'): Promise<string> {
  const { default: encodeQR } = await import('qr');
  const place = form === 'svg' ? ({ ecc: 'high', border: 4 } as const) : ({ ecc: 'low', border: 2 } as const);
  return encodeQR(share, form, { ...place, encoding: 'alphanumeric' });
}

export async function sheetHtml(sheet: Sheet): Promise<string> {
  const { share, set, number, threshold, total, fingerprint, custodian, seal, server, date } = sheet;
  const facts = [
    ['Custodian', custodian],
    ['Share', `${number} of ${total}; any ${threshold} open the seal`],
    ['Seal', server === '' ? seal : `${seal} of ${server}`],
    ['Set', set],
    ['Made', date],
    ['Fingerprint', `${fingerprint}, which may be told to anybody`],
  ] as const;
  const rows = facts.map(([name, value]) => `<tr><th>${name}</th><td>${escaped(value)}</td></tr>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex">
<title>Share ${number} of ${total}, ${escaped(custodian)}</title>
<style>
@page { size: A4; margin: 18mm }
body { font: 11pt/1.45 system-ui, sans-serif; max-width: 170mm; margin: auto; color: #000; background: #fff }
h1 { font-size: 17pt; margin: 0 0 2mm }
.secret { border: 2px solid #000; padding: 4mm; margin: 5mm 0; display: flex; gap: 8mm; align-items: center }
.secret svg { width: 58mm; height: 58mm; flex: none }
pre { font: 14pt/1.7 ui-monospace, monospace; margin: 0 }
th { text-align: left; padding-right: 6mm; font-weight: 600; vertical-align: top }
ol { padding-left: 5mm }
</style>
</head>
<body>
<h1>A share of a root key of Claviger</h1>
<p>This page is one part of what opens every key of the server below. Alone it opens nothing; together with ${threshold - 1}
other${threshold === 2 ? '' : 's'} it opens all. Treat it as you would treat the keys themselves.</p>
<table>
${rows.join('\n')}
</table>
<div class="secret">
${await qrCode(share, 'svg')}
<pre id="share">${shareRows(share).join('\n')}</pre>
</div>
<ol>
<li>Check it at once: <code>claviger share check</code>. It asks for this one share, shows its number and fingerprint, and sends it nowhere.</li>
<li>Acknowledge it: <code>claviger share acknowledge</code>. Until all have done so the former shares stay in force.</li>
<li>Put this page into a bag that shows whether it was opened, note the bag's number, and lock it away. Keep no file of it.</li>
<li>To open the server: <code>claviger unseal</code> asks for the share. Type the letters or scan the code; small or capital letters,
blanks and hyphens make no difference. The letters B, I and O are never in it, and the digit 1 once. Enter it only on a machine of
which you know that it reaches this server.</li>
<li>If it is lost, or somebody may have seen it, say so at once: all shares can be replaced while the server works.</li>
<li>Once it was replaced this page opens nothing on the server. Destroy it then all the same: old copies of the server's seal may be about.</li>
</ol>
</body>
</html>
`;
}

/** The share on a sheet that was kept as a file; undefined where it is no sheet. */
export function shareOnSheet(html: string): string | undefined {
  return /<pre id="share">([0-9A-Z \n]+)<\/pre>/.exec(html)?.[1];
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string) => text.replace(/[&<>"']/g, (letter) => entities[letter]!);
