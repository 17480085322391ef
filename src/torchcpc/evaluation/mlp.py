def mlp_probe(features, task):
    raise NotImplementedError
