"""The one reader of tables, for labels, manifests, alignments, sentences, sensor series and pairs of arrays."""
