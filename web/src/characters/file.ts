/** What `openapi-fetch` sends as a form; the generated types take a file for a text. */
export function fileForm(file: Blob, name?: string) {
  return {
    body: { file: file as unknown as string },
    bodySerializer: () => {
      const form = new FormData();
      form.set("file", file, name ?? (file instanceof File ? file.name : "file"));
      return form;
    },
  };
}

/** As an address that the page's policy lets pictures have; blobs have none of those. */
export function dataUrlOf(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error ?? new Error("The file cannot be read."));
    reader.readAsDataURL(file);
  });
}

/** The other way round; the policy allows no `fetch` of such an address. */
export function blobOf(dataUrl: string): Blob {
  const [head = "", body = ""] = dataUrl.split(",", 2);
  const type = /^data:([^;]*)/.exec(head)?.[1] ?? "";
  return new Blob([Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0))], { type });
}
