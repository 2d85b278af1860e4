"""The files of posteriordb that the tests read: addresses and sha256."""

from zoo.data.datasets.sources import RemoteFile

ADDRESS = "https://raw.githubusercontent.com/stan-dev/posteriordb/28f8d3d6e975315f42aa274a8399f21e07a43b30/posterior_database/"


def _remote_files(folder: str, sums: dict[str, str]) -> dict[str, RemoteFile]:
    """The zip files of a folder of posteriordb, by their names without ending; one folder in the cache."""
    return {
        name: RemoteFile(f"posteriordb/{name}.json.zip", f"{ADDRESS}{folder}{name}.json.zip", sha256)
        for name, sha256 in sums.items()
    }


DATA = _remote_files(
    "data/data/",
    {
        "arK": "6f2acbacb04655927bfc9173c42e51fc330bf08c6184242a62b7e39c22abe410",
        "arma": "354e7d7bb05ee08a3deeac45ce1d92ae11964a696b933ba82a3a0cfe134eb45a",
        "earnings": "06a67aa61a99d59aee057486dae51ffad6b4f887e7f8f17733739cf893af312f",
        "eight_schools": "8e37cc01fe05b0e1779255e9bd386261f3d61daf7f75f02f72f38cdc9750531c",
        "gp_pois_regr": "9aaaa9d5694b74e2aefa6d0bd2f0a48637fcb4d455a74b33985e58154f285da9",
        "hmm_example": "8c346cc7627db1b5614b1eacb81ab9b0926aa63071ba2f3b6d6ec3b492892787",
        "hudson_lynx_hare": "36d116efc116fee9c9e7286df5545cbf11d08171c4f48b84476740464a4e33ec",
        "kidiq": "16d341a99ec8178231eab660d8fda084a44145f6a241daf35276d0192d13b92d",
        "kilpisjarvi_mod": "232e8c55bbe5c07b79b0b28c92917f71711c713579292a2f40a50bda279d968e",
        "mesquite": "ec9db3a2e390892473e6172d76386ba9b26c3633a9682532eb34217189dcb0ac",
        "sblrc": "81990278b8762ac79244afcd470861560c7b28e34e411ce6da814e6f632a1b81",
    },
)
DRAWS = _remote_files(
    "reference_posteriors/draws/draws/",
    {
        "arK-arK": "7ddb947e6c1ac5380f9c1e1fa101833a1236ef03de30f2cf5ece7b5b71841530",
        "arma-arma11": "6de4bfe5263e09b0421b15368da42720b3ddc2559f81b35e178a18ce05e299b9",
        "earnings-logearn_interaction": "c34de19c290f25513686448cc1b0caff8248c97a1e47b5646d2af1d1f254707b",
        "eight_schools-eight_schools_noncentered": "0858641e630c877103dba2b78beaf6bc1f39435fc43d2894c4dff5d609c7a264",
        "gp_pois_regr-gp_regr": "df89f5011d9518b06c95a631c258ce03f4818b78deb40ed069cfd1d70074c8bb",
        "hmm_example-hmm_example": "cd67e28247da25233d79d09df235075c6603735e45c28fdfa76125e515ece3cf",
        "hudson_lynx_hare-lotka_volterra": "1d2124d283c104fb8faeb8c65b68e3fa22e39665accdac95979238587f85314b",
        "kidiq-kidscore_momhsiq": "ba684f6687803c0aac94df2e352e8a7d18c458bc635088be64ccc0e8fb16dfe4",
        "kilpisjarvi_mod-kilpisjarvi": "a5bc7f19720bfaa073bc6ab16c837aa1ff921014bad09ea715494ed4723b9fad",
        "mesquite-logmesquite": "741ddf71cad063821af0549ac78987f9f1d834848aeb180ce4edd083b02c8d62",
        "sblrc-blr": "44f876cf35a038fcd1fd13fb19bbadf04b4308618ad41390050ae8b014a4592d",
    },
)
