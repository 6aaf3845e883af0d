module carotid.example/interop

go 1.19
