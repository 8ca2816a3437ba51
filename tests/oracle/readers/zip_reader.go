// usage: zip_reader PACKAGE      prints "SHA256 NAME" for each entry, as ZipReader.java
package main

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func read(path string) error {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, entry := range archive.File {
		content, err := entry.Open()
		if err != nil {
			return err
		}
		digest := sha256.New()
		if _, err := io.Copy(digest, content); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
		content.Close()
		fmt.Fprintf(out, "%x %s\n", digest.Sum(nil), entry.Name)
	}
	return nil
}

func main() {
	if err := read(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
