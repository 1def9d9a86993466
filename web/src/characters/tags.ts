import { useSearchParams } from "wouter";

/** As many as the API looks for. */
export const MOST_TAGS = 10;

/** The tags in the address, that characters must have. */
export function usePressedTags() {
  const [params, setParams] = useSearchParams();
  const tags = [...new Set(params.getAll("tag"))].slice(0, MOST_TAGS);
  function press(tag: string) {
    const next = tags.includes(tag) ? tags.filter((each) => each !== tag) : [...tags, tag].slice(0, MOST_TAGS);
    setParams((params) => {
      params.delete("tag");
      for (const each of next) params.append("tag", each);
      return params;
    });
  }
  return { tags, press };
}

export function placeOfTag(tag: string, mine: boolean) {
  const params = new URLSearchParams({ ...(!mine && { scope: "public" }), tag });
  return `/characters?${params}`;
}
