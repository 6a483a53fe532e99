"""The pages that everybody reads: articles, search, votes, feeds."""
